"""Tradepost: the order desk for resellers' panels."""

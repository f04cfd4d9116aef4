"""django-allauth's adapter for second factors: their secrets are encrypted in the database."""

from allauth.mfa.adapter import DefaultMFAAdapter

from tradepost import encryption


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc] # published without types
    """Encrypts the secrets of authenticator apps and the seeds of recovery codes."""

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret. One in clear is from a node of an older version; the next start encrypts it."""
        encrypted = encrypted_text.encode()
        return encrypted_text if encryption.number_of(encrypted) is None else encryption.decrypt(encrypted)

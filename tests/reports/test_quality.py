"""Figures about providers."""

from tradepost.reports.quality import quantile


def test_quantiles_are_right_to_within_a_bucket() -> None:
    assert quantile({}, 0.5) is None
    seconds = [60 * n for n in range(1, 101)]
    buckets: dict[int, int] = {}
    for each in seconds:
        bucket = next(n for n in range(100) if 1.25 ** (n + 1) > each)
        buckets[bucket] = buckets.get(bucket, 0) + 1
    for share in (0.5, 0.9):
        found = quantile(buckets, share)
        assert found
        exact = seconds[int(share * 100) - 1]
        assert exact / 1.25 <= found.total_seconds() <= exact * 1.25

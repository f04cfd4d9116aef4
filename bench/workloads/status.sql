-- How 100 of a customer's orders stand. The n-th customer has every :owners-th order from :first_order + n - 1 on.
\set customer random(1, :owners)
\set first :first_order + :customer - 1
\set last :first + 99 * :owners
SELECT o.id, o.charge - o.refunded, o.start_count, o.status, o.remains
FROM accounts_key k JOIN orders_order o ON o.account_id = k.account_id
WHERE k.digest = sha256((:key_text || :customer)::bytea) AND k.revoked_at IS NULL
  AND o.id = ANY(ARRAY(SELECT generate_series(:first::bigint, :last::bigint, :owners::bigint)));

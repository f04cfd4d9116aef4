-- A balance by key, as the desk tells it.
\set customer random(1, :customers)
SELECT a.id, l.balance
FROM accounts_key k
JOIN accounts_account a ON a.id = k.account_id AND a.is_active
JOIN ledger_account l ON l.account_id = a.id
WHERE k.digest = sha256((:key_text || :customer)::bytea) AND k.revoked_at IS NULL;

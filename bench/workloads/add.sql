-- An order as a careful hand-written transaction places it: seven statements, the same columns as the desk writes.
\set customer random(1, :customers)
\set link random(1, 999999999999)
BEGIN;
SELECT k.id AS key, k.account_id AS account, l.id AS ledger_account, l.balance
FROM accounts_key k
JOIN accounts_account a ON a.id = k.account_id AND a.is_active
JOIN ledger_account l ON l.account_id = a.id
WHERE k.digest = sha256((:key_text || :customer)::bytea) AND k.revoked_at IS NULL AND k.scope = 'order'
FOR UPDATE OF l \gset
SELECT rate, round(rate * 100 / 1000, 5) AS charge
FROM catalog_service WHERE id = :service AND is_active AND 100 BETWEEN min AND max \gset
INSERT INTO orders_order (account_id, service_id, key_id, mode, link, quantity, remains, fields, rate, charge,
                          one_per_link)
VALUES (:account, :service, :key, 'api', 'https://pixelpond.example/p/' || :link, 100, 100, NULL, :rate, :charge, false)
RETURNING id AS order \gset
INSERT INTO ledger_transfer (actor, debit_id, credit_id, amount, balance_after, kind, order_id, note)
VALUES ('api', :ledger_account, 1, :charge, :balance::numeric - :charge::numeric, 'charge', :order, '');
UPDATE ledger_account SET balance = balance - :charge WHERE id = :ledger_account;
COMMIT;

"""Rules that the model can't express: SQL functions write entries, entries never change, and a desk keeps an owner."""

from django.db import migrations

# `tradepost.audit.actor` has set the actor in the session.
NOTE = """
CREATE FUNCTION audit_note(
    model text, object_id text, label text, owner_model text, owner_id text, action text, before jsonb, after jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    actor jsonb := nullif(current_setting('tradepost.actor', true), '');
BEGIN
    INSERT INTO audit_entry (
        actor_kind, actor_id, actor_name, acting_as_id, address,
        action, model, object_id, label, owner_model, owner_id, before, after
    ) VALUES (
        coalesce(actor->>'kind', 'database'), (actor->>'id')::bigint,
        left(coalesce(actor->>'name', nullif(current_setting('application_name'), ''), session_user), 254),
        (actor->>'acting_as')::bigint, (actor->>'address')::inet,
        action, model, object_id, left(coalesce(label, ''), 300), coalesce(owner_model, ''), coalesce(owner_id, ''),
        before, after
    );
END $$;
"""

# The argument is an `AuditedTable` as JSON. `tradepost.audit.tables` creates the triggers after migrating.
ROW = """
CREATE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    audited jsonb := TG_ARGV[0];
    old_row jsonb := to_jsonb(OLD);
    new_row jsonb := to_jsonb(NEW);
    last_row jsonb := coalesce(new_row, old_row);
    label text := last_row->>(audited->>'label_column');
    before jsonb;
    after jsonb;
BEGIN
    IF current_setting('tradepost.actor', true) = '{"kind":"disabled"}' THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_object_agg(key, CASE WHEN audited->'secret_columns' ? key THEN '"secret"' ELSE o.value END)
               FILTER (WHERE o.value <> 'null' OR TG_OP = 'UPDATE'),
           jsonb_object_agg(key, CASE WHEN audited->'secret_columns' ? key THEN '"secret"' ELSE n.value END)
               FILTER (WHERE n.value <> 'null' OR TG_OP = 'UPDATE')
    INTO before, after
    FROM jsonb_each(old_row) AS o FULL JOIN jsonb_each(new_row) AS n USING (key)
    WHERE o.value IS DISTINCT FROM n.value AND NOT audited->'ignored_columns' ? key;
    IF before IS NULL AND after IS NULL THEN
        RETURN NULL;
    END IF;
    IF audited->>'label_table' IS NOT NULL THEN
        EXECUTE format('SELECT %I FROM %I WHERE id = $1', audited->>'label_column', audited->>'label_table')
        INTO label USING (last_row->>(audited->>'label_id_column'))::bigint;
    END IF;
    PERFORM audit_note(
        audited->>'model', last_row->>(audited->>'id_column'), label,
        audited->>'owner_model', last_row->>(audited->>'owner_id_column'),
        CASE
            WHEN TG_OP = 'UPDATE' OR (audited->>'is_link_table')::boolean THEN 'change'
            WHEN TG_OP = 'INSERT' THEN 'add'
            ELSE 'delete'
        END,
        before, after
    );
    RETURN NULL;
END $$;
"""

APPEND_ONLY = """
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# If two owners remove each other's role at the same moment, the lock makes one wait, and the second is refused.
OWNER = """
CREATE FUNCTION is_owner(account bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM accounts_account_groups m JOIN auth_group g ON g.id = m.group_id
        WHERE m.account_id = account AND g.name = 'owner'
    )
$$;
CREATE FUNCTION is_owner_role(role bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM auth_group WHERE id = role AND name = 'owner')
$$;
CREATE FUNCTION require_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7406132);
    IF NOT EXISTS (SELECT FROM accounts_account WHERE is_active AND is_staff AND (is_superuser OR is_owner(id))) THEN
        RAISE EXCEPTION 'The last owner can''t be suspended or lose that role: make somebody else an owner first.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER require_owner AFTER UPDATE ON accounts_account
    FOR EACH ROW WHEN (
        OLD.is_active AND OLD.is_staff AND NOT (NEW.is_active AND NEW.is_staff AND NEW.is_superuser)
        AND (OLD.is_superuser OR NOT (NEW.is_active AND NEW.is_staff))
        AND (OLD.is_superuser OR is_owner(OLD.id))
    ) EXECUTE FUNCTION require_owner();
CREATE TRIGGER require_owner AFTER DELETE ON accounts_account_groups
    FOR EACH ROW WHEN (is_owner_role(OLD.group_id)) EXECUTE FUNCTION require_owner();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
        ("accounts", "0002_rules"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [
        migrations.RunSQL(NOTE),
        migrations.RunSQL(ROW),
        migrations.RunSQL(APPEND_ONLY),
        migrations.RunSQL(OWNER),
    ]

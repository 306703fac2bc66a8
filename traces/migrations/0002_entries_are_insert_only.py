"""The database itself refuses to change or remove a ledger entry (R-43)."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION remit_refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The ledger is insert-only: % on % was refused.', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER entry_insert_only BEFORE UPDATE OR DELETE ON traces_entry
  FOR EACH ROW EXECUTE FUNCTION remit_refuse_ledger_change();
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON traces_entry
  FOR EACH STATEMENT EXECUTE FUNCTION remit_refuse_ledger_change();
"""
BACKWARD = """
DROP TRIGGER entry_no_truncate ON traces_entry;
DROP TRIGGER entry_insert_only ON traces_entry;
DROP FUNCTION remit_refuse_ledger_change();
"""


class Migration(migrations.Migration):
    dependencies = [("traces", "0001_traces")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]

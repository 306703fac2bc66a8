"""The database itself refuses to change what was registered, signed or committed to (R-43)."""

from django.db import migrations

WHOLE = ("traces_leaf", "traces_treenode", "traces_checkpoint")
FORWARD = "".join(
    f"""
CREATE TRIGGER ledger_insert_only BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION remit_refuse_ledger_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION remit_refuse_ledger_change();
"""
    for table in WHOLE
) + """
CREATE TRIGGER ledger_insert_only BEFORE DELETE OR UPDATE OF id, workspace_id, origin, created_at ON traces_log
  FOR EACH ROW EXECUTE FUNCTION remit_refuse_ledger_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON traces_log
  FOR EACH STATEMENT EXECUTE FUNCTION remit_refuse_ledger_change();
CREATE TRIGGER ledger_insert_only BEFORE DELETE OR UPDATE OF id, number, public, created_at, endorsement
  ON traces_signingkey FOR EACH ROW EXECUTE FUNCTION remit_refuse_ledger_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON traces_signingkey
  FOR EACH STATEMENT EXECUTE FUNCTION remit_refuse_ledger_change();
CREATE TRIGGER withheld_never_changes BEFORE UPDATE ON traces_withheldvalue
  FOR EACH ROW EXECUTE FUNCTION remit_refuse_ledger_change();
"""
BACKWARD = "".join(
    f"DROP TRIGGER ledger_no_truncate ON {table}; DROP TRIGGER ledger_insert_only ON {table};\n"
    for table in (*WHOLE, "traces_log", "traces_signingkey")
) + "DROP TRIGGER withheld_never_changes ON traces_withheldvalue;"


class Migration(migrations.Migration):
    dependencies = [("traces", "0005_checkpoints")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]

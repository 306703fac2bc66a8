"""The database itself refuses to change or remove a published version: only its retirement is allowed."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION remit_refuse_version_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  retired policies_policyversion;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    retired := OLD;
    retired.is_live := FALSE;
    IF NEW IS NOT DISTINCT FROM OLD OR NEW IS NOT DISTINCT FROM retired THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'A published policy version never changes: % on % was refused.', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER version_immutable BEFORE UPDATE OR DELETE ON policies_policyversion
  FOR EACH ROW EXECUTE FUNCTION remit_refuse_version_change();
CREATE TRIGGER version_no_truncate BEFORE TRUNCATE ON policies_policyversion
  FOR EACH STATEMENT EXECUTE FUNCTION remit_refuse_version_change();
"""
BACKWARD = """
DROP TRIGGER version_no_truncate ON policies_policyversion;
DROP TRIGGER version_immutable ON policies_policyversion;
DROP FUNCTION remit_refuse_version_change();
"""


class Migration(migrations.Migration):
    dependencies = [("policies", "0002_drafts_history_and_shadows")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]

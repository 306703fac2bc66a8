"""A role that may add to the ledger and read it, and nothing else, for the processes that serve (R-43).

Made where this connection may make roles; elsewhere `manage.py remit_role --sql` prints what a database administrator runs.
The statements are repeated there after later migrations; here only the role and the tables of this release are touched.
"""

from django.db import migrations

MAKE = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole)) THEN
    RETURN;
  END IF;
  BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'remit_app') THEN
      CREATE ROLE remit_app NOLOGIN;
    END IF;
  EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- Another database of this server made it meanwhile.
  END;
  GRANT SELECT, INSERT ON traces_entry, traces_leaf, traces_treenode, traces_checkpoint TO remit_app;
  GRANT USAGE, SELECT ON SEQUENCE traces_entry_id_seq, traces_leaf_id_seq, traces_treenode_id_seq, traces_checkpoint_id_seq
    TO remit_app;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("traces", "0006_log_is_insert_only")]
    operations = [migrations.RunSQL(MAKE, migrations.RunSQL.noop)]

-- Roles for a ClickHouse server with access management; run once, as an administrator, after `shadowtap migrate`:
--   clickhouse-client --multiquery < schemas/grants.sql
-- Replace `shadowtap.` where the database has another name. An embedded store enforces the same split by itself.

-- What a worker needs: INSERT and SELECT, no more. `shadowtap migrate` is run by an administrator.
CREATE ROLE IF NOT EXISTS shadowtap_worker;
GRANT SELECT, INSERT ON shadowtap.* TO shadowtap_worker;

-- Analysts read numbers and no text: neither what users asked nor what models answered. Views run with the rights of
-- who reads them, so the columns are closed in the storage tables and, for a clear message, in the views.
CREATE SETTINGS PROFILE IF NOT EXISTS shadowtap_analyst SETTINGS
    readonly = 2 MAX 2, max_execution_time = 60 MAX 300, max_memory_usage = 4000000000 MAX 8000000000,
    max_result_bytes = 268435456, max_rows_to_read = 2000000000;
CREATE ROLE IF NOT EXISTS shadowtap_analyst SETTINGS PROFILE 'shadowtap_analyst';
GRANT SELECT ON shadowtap.* TO shadowtap_analyst;
REVOKE SELECT(request) ON shadowtap.exchanges_rows FROM shadowtap_analyst;
REVOKE SELECT(request) ON shadowtap.exchanges FROM shadowtap_analyst;
REVOKE SELECT(text, tool_calls_json) ON shadowtap.answers_rows FROM shadowtap_analyst;
REVOKE SELECT(text, tool_calls_json) ON shadowtap.answers FROM shadowtap_analyst;
-- On a cluster (clickhouse.cluster) the rows lie in these.
REVOKE SELECT(request) ON shadowtap.exchanges_rows_local FROM shadowtap_analyst;
REVOKE SELECT(text, tool_calls_json) ON shadowtap.answers_rows_local FROM shadowtap_analyst;

-- So that one analyst's mistake does not take the server: per person and hour.
CREATE QUOTA IF NOT EXISTS shadowtap_analyst KEYED BY user_name
    FOR INTERVAL 1 hour MAX queries = 10000, read_rows = 50000000000, execution_time = 1800
    TO shadowtap_analyst;

-- Those who may read the texts of some features; give it beside shadowtap_analyst, and name your features. Whoever has
-- no policy of their own sees no row once a table has one, hence the second line of each table.
CREATE ROLE IF NOT EXISTS shadowtap_text_reader;
GRANT SELECT ON shadowtap.exchanges_rows TO shadowtap_text_reader;
GRANT SELECT ON shadowtap.exchanges TO shadowtap_text_reader;
GRANT SELECT ON shadowtap.answers_rows TO shadowtap_text_reader;
GRANT SELECT ON shadowtap.answers TO shadowtap_text_reader;
CREATE ROW POLICY IF NOT EXISTS shadowtap_text ON shadowtap.exchanges_rows
    FOR SELECT USING feature IN ('chat', 'search') TO shadowtap_text_reader;
CREATE ROW POLICY IF NOT EXISTS shadowtap_rest ON shadowtap.exchanges_rows
    FOR SELECT USING 1 TO ALL EXCEPT shadowtap_text_reader;
CREATE ROW POLICY IF NOT EXISTS shadowtap_text ON shadowtap.answers_rows
    FOR SELECT USING feature IN ('chat', 'search') TO shadowtap_text_reader;
CREATE ROW POLICY IF NOT EXISTS shadowtap_rest ON shadowtap.answers_rows
    FOR SELECT USING 1 TO ALL EXCEPT shadowtap_text_reader;

-- Settings of one session; what the address itself asks for (source 'client') is kept.
SELECT set_config(wanted.name, wanted.value, false)
FROM (VALUES ('TimeZone', 'UTC', true),
             ('lock_timeout', %(lock_timeout)s, false),
             ('idle_in_transaction_session_timeout', %(idle_timeout)s, false),
             ('statement_timeout', %(statement_timeout)s, true)) AS wanted (name, value, always)
JOIN pg_settings AS setting ON setting.name = wanted.name
WHERE wanted.value IS NOT NULL
  AND (wanted.always OR setting.source <> 'client')

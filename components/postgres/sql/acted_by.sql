-- Who is connected, and from where, as Postgres sees it.
SELECT session_user || '@' || coalesce(host(inet_client_addr()), 'local socket')

INSERT INTO tens_insight.simulated_worlds (seed, scenario, accounts, days, started_at, ended_at, rows)
VALUES (%(seed)s, %(scenario)s, %(accounts)s, %(days)s, %(started_at)s, %(ended_at)s, %(rows)s)

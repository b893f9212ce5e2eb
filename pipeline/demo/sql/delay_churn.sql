-- A copy of account_churn as an import leaves it that loses dates: whoever was gone before a
-- moment left some time between the day that is true and that moment.
CREATE TABLE account_churn_delayed AS
SELECT account_id,
       CASE WHEN churned_at < %(before)s
            THEN churned_at + (%(before)s - churned_at) * ((hashtext(account_id) & 1023) / 1024.0)
            ELSE churned_at
       END AS churned_at
FROM account_churn

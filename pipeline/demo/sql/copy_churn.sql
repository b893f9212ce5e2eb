COPY account_churn (account_id, churned_at) FROM STDIN

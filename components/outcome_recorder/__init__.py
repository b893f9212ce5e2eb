"""OutcomeRecorder: what became of the accounts that were scored."""

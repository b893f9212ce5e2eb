"""FeedbackExampleGen: from Postgres to Examples."""

"""What happened to accounts and areas, once each: who to look at today."""

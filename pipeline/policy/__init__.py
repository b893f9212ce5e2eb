"""The policy: what a scheduled run trains, rolls back, promotes and removes by itself."""

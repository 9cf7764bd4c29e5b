"""What happens in a record and when: peaks, crossings, bursts, changes of level, trends."""

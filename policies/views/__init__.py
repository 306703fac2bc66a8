"""Policy pages. Every edit is a plain form that works by itself; scripts only shorten the trip."""

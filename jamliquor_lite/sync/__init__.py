"""What to ask next. One unit of checking per call; the caller fetches."""

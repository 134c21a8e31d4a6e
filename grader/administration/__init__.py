"""What staff say about rounds and marks: checked, then written as events."""

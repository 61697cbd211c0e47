"""What may be concluded from samples: intervals, selection, sensitivity, boxes, cliffs. Pure numbers."""

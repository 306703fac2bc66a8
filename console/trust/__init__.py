"""What trust looks like in numbers: four families, each with its quality and the rows behind it. Reads only."""

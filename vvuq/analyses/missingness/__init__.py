"""What does it tell that a measurement was taken, and what is wrong where nobody asks?"""

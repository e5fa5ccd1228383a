"""What is not known, and which part of it matters?"""

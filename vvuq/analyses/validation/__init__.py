"""Are they the right equations, on patients that the model has not seen?"""

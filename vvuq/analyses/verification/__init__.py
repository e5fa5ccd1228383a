"""Are the equations solved right?"""

"""Which parameters can these data tell apart?"""

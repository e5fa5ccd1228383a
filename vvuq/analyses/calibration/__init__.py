"""What do the build patients say about the parameters?"""

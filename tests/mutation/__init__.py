"""How many small changes of the code does the suite notice?"""

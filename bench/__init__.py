"""`make bench`: each figure beside the limit of the same machine in the same minute, as a ratio, with its promise."""

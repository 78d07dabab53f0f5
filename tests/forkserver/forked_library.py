import os

imported_in = os.getpid()

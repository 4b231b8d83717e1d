"""Arrays checked on their way in, and other libraries' settings kept out; how PatchCore works is understood without."""

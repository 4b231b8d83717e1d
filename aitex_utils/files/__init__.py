"""Files and folders, read and written safely; how PatchCore works can be understood without this room."""

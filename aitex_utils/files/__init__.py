"""Files and folders, read and written safely. PatchCore can be understood without this folder."""

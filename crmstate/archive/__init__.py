"""The archive: exports datasets to a location and proves what lies there. Public: `folder.FolderArchive`,
`location.resolve`."""

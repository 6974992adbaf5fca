"""What fills the folders of the sample data, one module per kind of data."""

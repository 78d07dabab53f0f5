"""`casework cases import`: from a file to records, from records to cases.

    opened      the file's bytes as lines of text: compression, encoding, what cannot be read
    csv_file, json_file, sheet   lines, or a sheet's rows, as records
    header      names for columns
    template    texts with {column}
    shape       records as cases
    command     cases into the queue, and the report

A bad record does not affect others, and is reported with its line.
"""

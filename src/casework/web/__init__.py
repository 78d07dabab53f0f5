"""The web page: what waits for a person, what agents do, and acts on it. A face of its own over the services.

    routing      from a request to a page: session, CSRF token, right, errors
    view         what a page is given, and how it answers
    pages/       one file for each page, with one template in templates/
    environment  the templates, with the filters of formats and markdown
    assets       style sheets and modules, under addresses that change with their content
    live         server-sent events: which topics have changed

How to add a page: a file in pages/ with a `Pages` that PAGES in pages/__init__ names, and a template that extends
`base.html`. What is to stay up to date is a block of the template inside of an element with the block's name as its id and
`data-live="TOPIC ..."`: the browser asks for the block alone, and replaces it.
"""

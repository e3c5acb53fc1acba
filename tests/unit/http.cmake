# The transport: rules on text, and the server on loopback sockets. The room's private headers are tested as well.
panier_test(http_text_test SOURCES http/router_test.cpp http/head_scanner_test.cpp http/message_test.cpp
                                   http/request_parser_test.cpp
            LINKS panier_http panier_beast LABELS unit)
panier_test(http_server_test SOURCES http/framing_test.cpp http/exchange_test.cpp http/limits_test.cpp
                                     http/stop_test.cpp
            LINKS panier_http LABELS socket)

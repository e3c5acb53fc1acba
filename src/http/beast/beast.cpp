// The bodies of Asio's and Beast's non-template functions, compiled here and nowhere else.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>

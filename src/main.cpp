#include "cli/cli.hpp"

int main(int argc, char** argv) {
  return panier::cli::run(argc, argv);
}

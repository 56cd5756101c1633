"""What the command lines of all benchmarks have in common."""
import argparse, os

BUILT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../target/release/hooktail")


def parser(about):
    """For the benchmark that `about` is the help of. `--binary` is this tree's release build, unless another one is named."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=os.path.abspath, default=BUILT)
    return parser

"""Judges the SageMaker simulator with AWS's own client, boto3.

    longhaul-sim sagemaker                                       # prints its URL
    python sagemaker_referee.py --backend sim --endpoint-url http://127.0.0.1:PORT
    moto_server -H 127.0.0.1 -p 5055
    python sagemaker_referee.py --backend moto --endpoint-url http://127.0.0.1:5055

Scenarios that moto supports run on both back ends unchanged, so that the
simulator is not its own judge. One line a scenario, then the sum; exits 1 when
one failed.
"""

import argparse
import sys
import traceback

from referee import SCENARIOS, Backend


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--backend", choices=["sim", "moto"], default="sim")
    parser.add_argument("--only", help="run the scenarios whose name contains this")
    arguments = parser.parse_args()
    backend = Backend(arguments.backend, arguments.endpoint_url)
    passed = failed = 0
    for function, backends in SCENARIOS:
        name = function.__name__
        if backend.kind not in backends or (arguments.only or "") not in name:
            continue
        try:
            backend.reset()
            function(backend)
            passed += 1
            print(f"ok {name}", flush=True)
        except Exception:  # whatever it is, the other scenarios still count
            failed += 1
            print(f"FAILED {name}", flush=True)
            traceback.print_exc()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Lets AWS's own client, boto3, check what sagemaker-mcp wrote and told.

    longhaul-sim sagemaker                                       # prints its URL
    python sagemaker_agrees.py --server PATH/sagemaker-mcp --backend sim --endpoint-url http://127.0.0.1:PORT
    moto_server -H 127.0.0.1 -p 5055
    python sagemaker_agrees.py --server PATH/sagemaker-mcp --backend moto --endpoint-url http://127.0.0.1:5055

The server is driven by the official Python client of MCP. What moto supports
runs there unchanged, so that the server is not judged by our simulator alone.
One line a scenario, then the sum; exits 1 when one failed.
"""

import argparse
import logging
import sys
import traceback

import anyio
from agreement import SCENARIOS, Parties


async def holds(function, parties):
    with anyio.fail_after(120):
        await function(parties)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True, help="path of the sagemaker-mcp binary")
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--backend", choices=["sim", "moto"], default="sim")
    parser.add_argument("--only", default="", help="run the scenarios whose name contains this")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    parties = Parties(arguments.backend, arguments.endpoint_url, arguments.server)
    passed = failed = 0
    for function, backends in SCENARIOS:
        name = function.__name__
        if arguments.backend not in backends or arguments.only not in name:
            continue
        try:
            parties.reset()
            anyio.run(holds, function, parties)
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

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.chaos.stage import stage


async def main():
    with tempfile.TemporaryDirectory() as d:
        t = time.monotonic()
        async with stage(Path(d)) as st:
            print("stage", time.monotonic() - t)
            for call in sys.argv[1:]:
                t = time.monotonic()
                try:
                    print("%.0f s" % (0), await eval("rows." + call), "%.1f s" % (time.monotonic() - t), flush=True)
                except Exception as e:
                    import traceback

                    traceback.print_exc(limit=-3)
                    print("FAILED", call, repr(e)[:1500], "%.1f s" % (time.monotonic() - t), flush=True)


asyncio.run(main())

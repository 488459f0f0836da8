package com.example.etl;

import java.io.File;
import org.apache.flink.api.common.functions.RichMapFunction;

/** Lets at most so many records a second pass, over all parallel tasks together; none while a file exists, as if what it reads from hung. */
class Throttle extends RichMapFunction<Long, Long> {
  private static final long serialVersionUID = 1L;
  private final long perSecond;
  private final String pauseFile;
  private transient long nextNanos;

  Throttle(long perSecond) {
    this(perSecond, null);
  }

  Throttle(long perSecond, String pauseFile) {
    this.perSecond = perSecond;
    this.pauseFile = pauseFile;
  }

  @Override
  public Long map(Long value) throws Exception {
    while (pauseFile != null && new File(pauseFile).exists()) {
      Thread.sleep(50);
    }
    if (perSecond > 0) {
      long now = System.nanoTime();
      // After a pause (restore, backpressure) the pace starts anew instead of catching up in a burst.
      nextNanos = Math.max(nextNanos, now - 100_000_000L) + 1_000_000_000L * getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks() / perSecond;
      long waitMillis = (nextNanos - now) / 1_000_000L;
      if (waitMillis > 0) {
        Thread.sleep(waitMillis);
      }
    }
    return value;
  }
}

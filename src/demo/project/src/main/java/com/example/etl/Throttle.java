package com.example.etl;

import org.apache.flink.api.common.functions.RichMapFunction;

/** Lets at most so many records a second pass, over all parallel tasks together. */
class Throttle extends RichMapFunction<Long, Long> {
  private static final long serialVersionUID = 1L;
  private final long perSecond;
  private transient long nextNanos;

  Throttle(long perSecond) {
    this.perSecond = perSecond;
  }

  @Override
  public Long map(Long value) throws Exception {
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

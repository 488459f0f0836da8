package com.example.etl;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/** Numbers into a target that takes one in 300 ms while a file exists: {@code --slow-file PATH}. */
public final class SlowSinkJob {
  private SlowSinkJob() {}

  public static void main(String[] args) throws Exception {
    String slowFile = Options.parse(args, "slow-file").text("slow-file", "");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.fromSource(new NumberSequenceSource(1, Long.MAX_VALUE - 1), WatermarkStrategy.noWatermarks(), "numbers")
        .map(new Throttle(4000))
        .returns(Types.LONG)
        .rebalance()
        .map(new SlowTarget(slowFile))
        .name("slow target")
        .sinkTo(new DiscardingSink<>());
    env.execute("slow sink");
  }

  private static class SlowTarget extends RichMapFunction<Long, Long> {
    private static final long serialVersionUID = 1L;
    private final String slowFile;
    private transient long lookAt;
    private transient boolean slow;

    SlowTarget(String slowFile) {
      this.slowFile = slowFile;
    }

    @Override
    public Long map(Long value) throws Exception {
      if (System.nanoTime() - lookAt >= 0) {
        slow = Files.exists(Path.of(slowFile));
        lookAt = System.nanoTime() + 100_000_000L;
      }
      if (slow) {
        Thread.sleep(300);
      }
      return value;
    }
  }
}

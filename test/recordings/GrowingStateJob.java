package com.example.etl;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/** Keeps 1 KB for each of 128 keys; while a file exists 1 MB, as state that nobody clears: {@code --grow-file PATH}. */
public final class GrowingStateJob {
  private GrowingStateJob() {}

  public static void main(String[] args) throws Exception {
    String growFile = Options.parse(args, "grow-file").text("grow-file", "");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.fromSource(new NumberSequenceSource(1, Long.MAX_VALUE - 1), WatermarkStrategy.noWatermarks(), "numbers")
        .map(new Throttle(100))
        .returns(Types.LONG)
        .keyBy(number -> number % 128)
        .map(new Keeper(growFile))
        .name("keeper")
        .sinkTo(new DiscardingSink<>());
    env.execute("growing state");
  }

  private static class Keeper extends RichMapFunction<Long, Long> {
    private static final long serialVersionUID = 1L;
    private final String growFile;
    private transient ValueState<byte[]> kept;

    Keeper(String growFile) {
      this.growFile = growFile;
    }

    @Override
    public void open(OpenContext context) {
      kept = getRuntimeContext().getState(new ValueStateDescriptor<>("kept", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    }

    @Override
    public Long map(Long value) throws Exception {
      int size = Files.exists(Path.of(growFile)) ? 1 << 20 : 1 << 10;
      byte[] before = kept.value();
      if (before == null || before.length != size) {
        kept.update(new byte[size]);
      }
      return value;
    }
  }
}

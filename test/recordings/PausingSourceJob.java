package com.example.etl;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.api.connector.source.lib.util.IteratorSourceReader;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.NumberSequenceIterator;

/**
 * Numbers with event times. While a file exists its source has nothing to give, as a topic without new records: {@code --pause-file PATH}; or only one of its
 * tasks, as one partition without: {@code --pause-task N}.
 */
public final class PausingSourceJob {
  private PausingSourceJob() {}

  public static void main(String[] args) throws Exception {
    Options options = Options.parse(args, "pause-file", "pause-task");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.fromSource(
            new PausingSource(options.text("pause-file", ""), options.number("pause-task", -1)),
            WatermarkStrategy.<Long>forMonotonousTimestamps().withTimestampAssigner((number, read) -> System.currentTimeMillis()),
            "numbers")
        .map(new Throttle(100))
        .returns(Types.LONG)
        .rebalance()
        .map(number -> number)
        .returns(Types.LONG)
        .name("taker")
        .sinkTo(new DiscardingSink<>());
    env.execute("pausing source");
  }

  private static class PausingSource extends NumberSequenceSource {
    private static final long serialVersionUID = 1L;
    private final String pauseFile;
    private final long pauseTask;

    PausingSource(String pauseFile, long pauseTask) {
      super(1, Long.MAX_VALUE - 1);
      this.pauseFile = pauseFile;
      this.pauseTask = pauseTask;
    }

    @Override
    public SourceReader<Long, NumberSequenceSplit> createReader(SourceReaderContext context) {
      boolean pauses = pauseTask < 0 || pauseTask == context.getIndexOfSubtask();
      return new PausingReader(context, pauses ? Path.of(pauseFile) : null);
    }
  }

  private static class PausingReader extends IteratorSourceReader<Long, NumberSequenceIterator, NumberSequenceSource.NumberSequenceSplit> {
    private final Path pauseFile;

    PausingReader(SourceReaderContext context, Path pauseFile) {
      super(context);
      this.pauseFile = pauseFile;
    }

    private boolean isPaused() {
      return pauseFile != null && Files.exists(pauseFile);
    }

    @Override
    public InputStatus pollNext(ReaderOutput<Long> output) {
      return isPaused() ? InputStatus.NOTHING_AVAILABLE : super.pollNext(output);
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return isPaused()
          ? CompletableFuture.runAsync(() -> {}, CompletableFuture.delayedExecutor(50, TimeUnit.MILLISECONDS))
          : super.isAvailable();
    }
  }
}
